#include "services/orchestrator/orchestrator_daemon.h"

int main(int argc, char** argv) { return vora::orchestrator::RunOrchestrator(argc, argv); }
