// Diagram: a run as a picture in text: a column for each client and each node, time downwards, and
// a row for each message, fault and answer, with what it carries.
//
//   MessageLog messages;
//   RunOptions options;
//   options.messages = &messages;
//   const RunResult run = RunSchedule(schedule, options);
//   std::cout << Diagram(run, messages);
//
// It begins with the schedule's first event and ends with the last operation that a violation
// names, or with healing. What repeats (heartbeats that say nothing new) is left out. At most 120
// columns.
#ifndef QUORATE_TESTS_SIM_DIAGRAM_H_
#define QUORATE_TESTS_SIM_DIAGRAM_H_

#include <string>

#include "tests/sim/message_log.h"
#include "tests/sim/runner.h"

namespace quorate::sim {

std::string Diagram(const RunResult& run, const MessageLog& messages);

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_DIAGRAM_H_
