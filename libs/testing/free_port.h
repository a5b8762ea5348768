#pragma once

namespace vora {

// A TCP port of 127.0.0.1 that nobody listens on, for a program that cannot choose one itself and say which. Another program may take it
// before that one does.
int FreePort();

}  // namespace vora
