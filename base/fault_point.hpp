#pragma once

namespace pushguard {

// The test build and the ordinary one can be in one program, so each has a function of its own.
#ifdef PUSHGUARD_FAULT_POINTS
inline namespace with_fault_points {
/// As below; tests/interop/fault_point.cpp says what it does.
void fault_point(const char* name);
}  // namespace with_fault_points
#else
inline namespace without_fault_points {
/// A step at which a crash is worth trying: `name` (letters, digits, `.` and `_`) is that of the step, and
/// the same at each pass. Nothing in this program; in the tests' (pushguard_with_fault_points) the process
/// can be told to kill itself here.
inline void fault_point(const char* /*name*/) noexcept {}
}  // namespace without_fault_points
#endif

}  // namespace pushguard
