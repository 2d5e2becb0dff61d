/** Blocks the event loop of this thread for so many milliseconds. */
export function keepBusy(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
