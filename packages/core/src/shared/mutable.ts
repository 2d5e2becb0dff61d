/** An object type whose properties can be set. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] }
