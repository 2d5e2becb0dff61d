/** What the process ends with. */
export const EXIT = {
  ok: 0,
  /** What `--fail-on` names was found. */
  failed: 1,
  usage: 2,
  /** The database, or what else was to be asked, cannot be reached. */
  unreachable: 3,
  interrupted: 130,
  /** By SIGTERM. */
  terminated: 143,
} as const
