/** What the process ends with. */
export const EXIT = {
  ok: 0,
  /** What `--fail-on` names was found. */
  failed: 1,
  usage: 2,
  /** The database, or what else was to be asked, such as a dashboard, cannot be reached. */
  unreachable: 3,
  /** The terminal is gone. */
  hungUp: 129,
  interrupted: 130,
  /** By SIGTERM. */
  terminated: 143,
} as const
