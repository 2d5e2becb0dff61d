import { thrownValues } from './thrown-values.ts'

/** A processor for a worker thread, which throws the value with the name in its data. */
// biome-ignore lint/style/noDefaultExport: a processor of a thread is one
export default function fail(name: string): never {
  throw thrownValues[name]?.()
}
