#pragma once

/// How the calling thread shares processors with others. What the system refuses or does not know is left as
/// it was: nothing here is needed, all of it helps where processors are few.
namespace pushguard {

/// Makes the calling thread nicer than the others of the process: 0 (as they are) to 19.
void give_way(int niceness) noexcept;

/// Says that the calling thread runs little at a time and wants to begin soon when there is something to do:
/// it asks for shorter slices (EEVDF's "latency", sched_setattr(2); Linux 6.12 or later, elsewhere
/// nothing changes). Its share stays the same.
void run_soon() noexcept;

}  // namespace pushguard
