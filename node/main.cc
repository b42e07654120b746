#include "node/run_node.h"

int main(int argc, char** argv) { return quorate::RunNode(argc, argv); }
