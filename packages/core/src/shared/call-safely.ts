/**
 * Calls a callback of the app of which nothing is expected. An error that it throws, or rejects with, only
 * goes to `onError`.
 */
export function callSafely(call: () => unknown, onError: (error: unknown) => void = () => {}): void {
  try {
    const returned = call()
    if (returned instanceof Promise) returned.catch(onError)
  } catch (error) {
    onError(error)
  }
}
