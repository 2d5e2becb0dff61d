/** Runs a function once, and again only if it has failed. Calls in between get the same promise. */
export function untilDone<TArgs extends readonly unknown[]>(
  run: (...args: TArgs) => Promise<void>,
): (...args: TArgs) => Promise<void> {
  let running: Promise<void> | undefined
  return (...args) => {
    running ??= run(...args).catch((error: unknown) => {
      running = undefined
      throw error
    })
    return running
  }
}
