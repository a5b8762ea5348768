#pragma once

// The daemon `vora-orchestrator`: the workflow engine over PostgreSQL with Vora's workflows.

namespace vora::orchestrator {

// See RunDaemon.
int RunOrchestrator(int argc, char** argv);

}  // namespace vora::orchestrator
