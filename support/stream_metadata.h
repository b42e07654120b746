// What a node says in the initial metadata of a client's Stream (proto/kv.proto) that it takes.
#ifndef QUORATE_SUPPORT_STREAM_METADATA_H_
#define QUORATE_SUPPORT_STREAM_METADATA_H_

namespace quorate {

// Present: the node serves the stream. A stream that is refused, or that nobody knows, ends without
// it, so a client that waits for it knows that nothing it has kept back was written.
inline constexpr char kStreamMetadata[] = "quorate-stream";
inline constexpr char kStreamMetadataValue[] = "1";

}  // namespace quorate

#endif  // QUORATE_SUPPORT_STREAM_METADATA_H_
