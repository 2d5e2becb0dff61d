/** Blocks the event loop of this thread for the given number of milliseconds. */
export function keepBusy(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
