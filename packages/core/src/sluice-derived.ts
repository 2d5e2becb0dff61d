/** Values that are made from several reads, as the adapters of frameworks see them. */
export type { DerivedValues } from './cache/derived/derived-values.ts'
