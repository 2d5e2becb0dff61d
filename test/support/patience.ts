/**
 * Time limits of tests. A limit ends a test that would hang; it proves nothing. A busy machine makes tests
 * slow and must not make them fail, so limits are far above the duration of a test. To prove that something
 * happens without a fallback timer, set that timer to `NEVER_MS`.
 */

/** For one test or hook. */
export const TEST_MS = 600_000

/** Options of `expect.poll` and `vi.waitFor` for an event that must come. */
export const SOON: { readonly timeout: number; readonly interval: number } = {
  timeout: 300_000,
  interval: 10,
}

/** An interval, a lease or a delay that does not end during a test. */
export const NEVER_MS = 36_000_000
