/** What the process ends with. */
export const EXIT = { ok: 0, usage: 2 } as const
