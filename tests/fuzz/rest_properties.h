// What holds for every request of the REST API, whatever it looks like.
//
// Functions end the program where it does not. Not for anything but fuzz targets.
#ifndef QUORATE_TESTS_FUZZ_REST_PROPERTIES_H_
#define QUORATE_TESTS_FUZZ_REST_PROPERTIES_H_

#include "node/key_request.h"
#include "node/rest_response.h"

namespace quorate::fuzz {

// A refusal of `http` has a status for refusals, and a JSON object that names its reason and denies
// that anything was written, unless there may have been an earlier try.
void CheckRefusal(const HttpRequest& http, const HttpAnswer& refusal);

// The operation that was made of `http` is of the kind that its method allows, within what every
// operation keeps to, and the same as that of the plainest request for it. Answers to it can be
// read, and name its key.
void CheckKeyRequest(const HttpRequest& http, const KeyRequest& request);

}  // namespace quorate::fuzz

#endif  // QUORATE_TESTS_FUZZ_REST_PROPERTIES_H_
