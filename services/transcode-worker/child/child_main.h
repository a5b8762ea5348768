#pragma once

// The program as a child process: decodes or encodes in a sandbox, talks only to the worker.

namespace vora::transcode {

// True when the arguments ask for a child (`--child=...` first).
bool IsChildCommand(int argc, char** argv);
// Runs the role and returns the exit code: 0 when the last word was a result, 3 when it was a failure.
int ChildMain(int argc, char** argv);

}  // namespace vora::transcode
