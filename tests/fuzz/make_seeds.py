"""Writes the seeds that are not text, from a description of each. Usage: make_seeds.py CORPUS_FOLDER

Those of peer_messages are programs (peer_messages_fuzz.cc), those of stored_bytes begin with what they are
(stored_bytes_fuzz.cc). What a fuzz run has found lies beside them and is left alone.
"""

import os
import sys

# --- Protobuf, as far as it is needed ---


def varint(number):
    encoded = b""
    while number > 127:
        encoded += bytes([number & 127 | 128])
        number >>= 7
    return encoded + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(*fields):
    return b"".join(field(number, value) for number, value in fields)


def dot(node, incarnation, counter):
    return message((1, node), (2, incarnation), (3, counter))


def dotted(*dots):
    return b"".join(field(3, one) for one in dots)


def record(version, *siblings):
    return message((1, version), *((2, sibling) for sibling in siblings))


def sibling(one, clock, value):
    return message((1, one), (2, clock), (4, value))


SEQUENCED = message((1, 3), (2, 17))
ONE = dotted(dot(1, 5, 2))
TWO = dotted(dot(1, 5, 1), dot(2, 9, 4))

# --- What fuzz_input.h takes apart ---


def number(value):
    if value < 0xF0:
        return bytes([value])
    size = (value.bit_length() + 7) // 8
    return bytes([0xF8 + size - 1]) + value.to_bytes(size, "big")


def text(value):
    return number(len(value)) + value


# --- Stored bytes ---

STORED_BYTES = {
    "versions": b"\x00" + text(ONE) + text(TWO),
    "version_sequenced": b"\x00" + text(SEQUENCED) + text(message((1, 3), (2, 18))),
    "store_sequenced": b"\x01"
    + text(record(SEQUENCED, message((4, b"value"))))
    + text(record(message((1, 4), (2, 1)), message((3, 1)))),
    "store_dotted": b"\x01"
    + text(record(ONE, sibling(dot(1, 5, 2), 7, b"mine")))
    + text(record(TWO, sibling(dot(2, 9, 4), 8, b"yours"), sibling(dot(1, 5, 1), 6, b"old"))),
    # Each value replaced by the write beside the other: no history has both records.
    "store_of_contradicting_histories": b"\x01"
    + text(record(dotted(dot(1, 1, 1), dot(2, 1, 2)), sibling(dot(1, 1, 1), 7, b"mine")))
    + text(record(dotted(dot(1, 1, 2), dot(2, 1, 1)), sibling(dot(2, 1, 1), 8, b"yours"))),
    "store_of_values_without_dot": b"\x01"
    + text(record(dotted(dot(1, 1, 1)), sibling(b"", 7, b"mine")))
    + text(record(dotted(dot(2, 1, 1)), sibling(dot(5, 5, 0), 8, b"yours"))),
    "store_of_one_dot_twice": b"\x01" + text(record(ONE, sibling(dot(1, 5, 2), 7, b"mine"), sibling(dot(1, 5, 2), 8, b"yours"))),
    "store_of_sequenced_value_with_dot": b"\x01" + text(record(SEQUENCED, sibling(dot(1, 5, 2), 7, b"mine"))),
    "record": b"\x02" + record(SEQUENCED, message((4, b"value"))),
    "state": b"\x03"
    + message((1, 1), (2, b"quorate"), (3, 2), (4, b"leaderless"), (5, b"synced"), (6, b"boot"), (7, 1), (8, 1), (9, 77)),
    "state_of_follower": b"\x03"
    + message((1, 1), (2, b"quorate"), (3, 2), (4, b"leader_follower"), (5, b"os"), (8, 1), (10, 9), (11, 1), (12, 40)),
    "token": b"\x04" + text(b"key") + text(TWO) + b"\x05\x01",
    "history": b"\x05\x00" + bytes([0, 0, 1, 1, 5, 1, 1, 6, 4, 0, 2, 0, 1, 8, 1, 3, 1, 1, 2, 3, 9, 0, 5, 0]) * 2,
    "history_of_leader": b"\x05\x01" + bytes([0, 0, 1, 1, 1, 0, 1, 0, 1, 2, 5, 2]),
}

# --- Peer messages: a program is settings, then steps ---

LEADER_FOLLOWER, LEADERLESS = 0, 1
SYNCED = 16
LINEARIZABLE = 128
W2R2 = 1 + 4

RUN, ADVANCE, SUBMIT, CANCEL, SYNC, LINK, RESTART, BATCH = 0, 1, 2, 4, 5, 6, 7, 8
ARRIVES, REPEATS, IS_LOST, IS_DAMAGED, WITH_BYTES, MISADDRESSED, WITH_MESSAGE = range(9, 16)

GET, SET, DELETE, LOCAL_READ = range(4)


def program(strategy, settings, *steps):
    return bytes([strategy, settings, 1]) + b"".join(steps)


def step(kind, node, *arguments):
    return bytes([kind, node - 1, *arguments])


def run(milliseconds):
    return step(RUN, 1, milliseconds)


def submit(node, kind, key=0, value=b"value"):
    return step(SUBMIT, node, kind + 4 * key) + (text(value) if kind == SET else b"")


def linearizable_get(node, key=0):
    return step(SUBMIT, node, GET + 4 * key + LINEARIZABLE)


def made(node, sender, kind, *arguments):
    """A message of a kind of peer_message_maker.cc."""
    return step(WITH_MESSAGE, node, sender - 1, kind, *arguments)


def sent(node, sender, encoded):
    return step(WITH_BYTES, node, sender - 1) + text(encoded)


def honest(strategy, settings):
    operations = [submit(1, SET), submit(2, SET, 1), submit(3, SET, 0, b"other"), run(20), submit(2, GET), submit(3, LOCAL_READ)]
    return program(strategy, settings, *operations, submit(1, DELETE, 1), submit(1, GET, 1), run(50))


def troubled(strategy, settings):
    cut = [step(LINK, 1, 2, 0), step(LINK, 3, 0, 0), submit(1, SET), submit(2, SET), run(30), step(SYNC, 1, 0)]
    lost = [step(IS_LOST, 2, 0), step(REPEATS, 3, 1), step(ARRIVES, 3, 1), step(CANCEL, 1), step(ADVANCE, 1, 200)]
    return program(strategy, settings, *cut, *lost, step(RESTART, 2, 1), step(LINK, 1, 2, 1), run(200), submit(2, GET), step(RESTART, 3, 0), run(200))


def honest_linearizable(strategy, settings):
    writes = [submit(1, SET), submit(2, SET, 1), linearizable_get(3), linearizable_get(1, 1), run(20)]
    cut = [step(LINK, 1, 1, 0), submit(1, SET, 0, b"other"), linearizable_get(2), run(30), step(LINK, 1, 1, 1), run(100)]
    return program(strategy, settings, *writes, *cut, linearizable_get(1), linearizable_get(2), linearizable_get(3), run(100))


# Body number in Message, and the encoded body.
REPLICATE, READ, READ_REPLY, FORWARD_REPLY, COMPARE_REPLY = 5, 7, 8, 10, 12

# Kinds of peer_message_maker.cc.
GREETING, CONFIRMATION = 11, 13


def entry(one, encoded):
    return message((1, one), (2, b"a"), (3, encoded))


LEADERLESS_RECORD = record(TWO, sibling(dot(2, 9, 4), 8, b"yours"))

PEER_MESSAGES = {
    "honest_leader_follower": honest(LEADER_FOLLOWER, W2R2),
    "honest_leader_follower_synced": honest(LEADER_FOLLOWER, W2R2 + SYNCED),
    "honest_leaderless": honest(LEADERLESS, W2R2),
    "honest_leaderless_synced": honest(LEADERLESS, W2R2 + SYNCED),
    "troubled_leader_follower": troubled(LEADER_FOLLOWER, W2R2 + SYNCED),
    "troubled_leaderless": troubled(LEADERLESS, W2R2 + SYNCED),
    "honest_linearizable_leader_follower": honest_linearizable(LEADER_FOLLOWER, W2R2),
    "honest_linearizable_leader_follower_synced": honest_linearizable(LEADER_FOLLOWER, W2R2 + SYNCED),
    "honest_linearizable_leaderless": honest_linearizable(LEADERLESS, W2R2 + LINEARIZABLE),
    "honest_linearizable_leaderless_synced": honest_linearizable(LEADERLESS, W2R2 + LINEARIZABLE + SYNCED),
    "made_linearizable_leaderless": program(
        LEADERLESS,
        W2R2 + LINEARIZABLE,
        submit(1, SET),
        linearizable_get(1),
        *(made(1, 3, kind, *range(1, 9)) for kind in range(14)),
        run(50),
    ),
    # The confirmation of another round, and of the one that is asked.
    "made_confirmations": program(
        LEADER_FOLLOWER,
        W2R2,
        submit(1, SET),
        linearizable_get(1),
        *(made(1, 2, CONFIRMATION, 1, 0, 0, a_round, 1, 0, 0, 0, 1, 0, 0, 0) for a_round in range(3)),
        run(50),
    ),
    # A stranger's life of a node that is known, and one that nobody knows.
    "made_greetings": program(
        LEADERLESS,
        W2R2,
        *(made(1, 2, GREETING, 1, attempt, 0) for attempt in range(3)),
        step(RESTART, 2, 1),
        *(made(2, 1, GREETING, 1, attempt, 0) for attempt in range(3)),
        *(made(2, 1, GREETING, 0, attempt, 1, 1) for attempt in range(3)),
        run(100),
    ),
    "replicate_leaderless": program(
        LEADERLESS, W2R2, sent(1, 2, message((REPLICATE, message((2, entry(7, LEADERLESS_RECORD)))))), submit(1, GET), run(20)
    ),
    "read_reply": program(
        LEADERLESS,
        W2R2,
        submit(1, GET),
        sent(1, 2, message((READ_REPLY, message((1, 1000), (3, 1), (4, LEADERLESS_RECORD))))),
        sent(1, 3, message((READ_REPLY, message((1, 1000), (3, 1), (4, LEADERLESS_RECORD))))),
        run(20),
    ),
    "compare_reply": program(
        LEADER_FOLLOWER,
        W2R2,
        step(RESTART, 2, 1),
        sent(2, 1, message((COMPARE_REPLY, message((1, 1), (2, entry(0, record(SEQUENCED, message((4, b"v"))))), (4, 1))))),
        run(100),
    ),
    "damaged": program(LEADERLESS, W2R2, submit(1, SET), step(IS_DAMAGED, 2, 0, 0, 20, 1, 7), submit(2, SET), step(IS_DAMAGED, 1, 1, 0, 9, 0), run(50)),
    "misaddressed": program(LEADERLESS, W2R2, submit(1, SET), *(step(MISADDRESSED, 2, 0, kind, 3) for kind in range(6)), run(50)),
    # Nobody says that the disk is done with the write before.
    "local_read_waits_for_disk": program(LEADERLESS, W2R2 + SYNCED, submit(1, SET), submit(1, LOCAL_READ)),
    "read_of_no_key": program(LEADERLESS, W2R2 + SYNCED, sent(1, 2, message((READ, message((1, 7)))))),
    "forwarded_write_without_version": program(
        LEADER_FOLLOWER, W2R2 + SYNCED, submit(2, SET), sent(2, 1, message((FORWARD_REPLY, message((1, 1000)))))
    ),
    "batch": program(LEADERLESS, W2R2, step(BATCH, 1) + text(message((1, b"quorate"), (3, 2), (4, 102), (9, message((1, message((1, 1)))))))),
}
for strategy_name, strategy_number in (("leader_follower", LEADER_FOLLOWER), ("leaderless", LEADERLESS)):
    for receiver in (1, 2):
        PEER_MESSAGES[f"made_{strategy_name}_{receiver}"] = program(
            strategy_number,
            W2R2,
            submit(receiver, SET),
            *(made(receiver, 3, kind, *range(1, 9)) for kind in range(14)),
            run(50),
        )


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    for corpus, seeds in (("stored_bytes", STORED_BYTES), ("peer_messages", PEER_MESSAGES)):
        os.makedirs(os.path.join(arguments[0], corpus), exist_ok=True)
        for name, content in seeds.items():
            with open(os.path.join(arguments[0], corpus, name), "wb") as file:
                file.write(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
