/** A number from 0 (included) to 1 (excluded). Injected, so that tests can repeat what chance did. */
export type RandomSource = () => number
