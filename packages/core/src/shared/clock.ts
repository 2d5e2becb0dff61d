/** Time as Sluice reads it. Injected, so that tests need no sleep. */
export interface Clock {
  /** Monotonic time in milliseconds, with a fraction. For durations. */
  now(): number
  /** Wall-clock time in milliseconds since 1970. For showing, never for durations. */
  wall(): number
}

// The global of that name is a getter, which costs every reader of the time a call more.
const { performance } = globalThis

/** The process's own clocks. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
}
