// The time that a process had of the processors, from /proc of Linux.

import fs from 'node:fs';

/**
 * Reads what a process, with all its threads, has had so far. /proc/PID/stat tells user and system time in hundredths of a second,
 * of which a quiet agent uses a dozen in a window; /proc/PID/task/TID/schedstat tells the sum of both in nanoseconds. A thread
 * that has ended is counted with what it had when it was last seen.
 */
export class ProcessorTime {
  #folder;
  #threads = new Map();

  constructor(pid) {
    this.#folder = `/proc/${pid}/task`;
  }

  /** In milliseconds. Throws where the process is gone. */
  read() {
    for (const thread of fs.readdirSync(this.#folder)) {
      try {
        const [ran] = fs.readFileSync(`${this.#folder}/${thread}/schedstat`, 'utf8').split(' ');
        this.#threads.set(thread, Number(ran) / 1e6);
      } catch (error) {
        if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
      }
    }
    let sum = 0;
    for (const ran of this.#threads.values()) sum += ran;
    return sum;
  }
}
