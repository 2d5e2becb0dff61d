import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Random } from '../../support/random.ts'

/** The sequence of keys that were read, each key as an integer from 0 on. */
export interface Trace {
  /** The description of the trace for readers of the figures. */
  readonly about: string
  readonly isSynthetic: boolean
  readonly reads: Int32Array
  readonly keys: number
}

const MAX_BYTES = 2 ** 31 - 1

/**
 * Reads a file of big-endian 32-bit integers, each a key.
 *
 * @param path - With the extension `.xz`, the system's `xz` unpacks it.
 * @throws Error if it cannot be read.
 */
export function readTrace(path: string): Trace {
  const bytes = path.endsWith('.xz') ? unpack(path) : readFileSync(path)
  if (bytes.length === 0 || bytes.length % 4 !== 0)
    throw new Error(`${path} is not a trace: expected 32-bit integers, not ${bytes.length} bytes.`)
  const reads = new Int32Array(bytes.length / 4)
  const known = new Map<number, number>()
  for (let at = 0; at < reads.length; at += 1) {
    const key = bytes.readInt32BE(at * 4)
    const index = known.get(key) ?? known.size
    known.set(key, index)
    reads[at] = index
  }
  return { about: 'the given trace', isSynthetic: false, reads, keys: known.size }
}

function unpack(path: string): Buffer {
  const { error, status, stdout, stderr } = spawnSync('xz', ['-dc', path], { maxBuffer: MAX_BYTES })
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    throw new Error(
      `xz is needed to unpack ${path}, and is not on PATH: install it (xz-utils), or unpack the file first.`,
    )
  }
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`xz could not unpack ${path}: ${stderr.toString().trim()}`)
  return stdout
}

/** Reads whose keys are distributed by Zipf's law; the same in every run. */
export function zipfTrace(length: number, keys: number, exponent: number): Trace {
  const random = new Random(7)
  const upTo = new Float64Array(keys)
  let sum = 0
  for (let rank = 0; rank < keys; rank += 1) {
    sum += 1 / (rank + 1) ** exponent
    upTo[rank] = sum
  }
  const reads = new Int32Array(length)
  for (let at = 0; at < length; at += 1) reads[at] = rankAt(upTo, random.next() * sum)
  return {
    about: `synthetic: ${keys} keys by Zipf's law with exponent ${exponent}`,
    isSynthetic: true,
    reads,
    keys,
  }
}

function rankAt(upTo: Float64Array, point: number): number {
  let low = 0
  let high = upTo.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((upTo[middle] as number) < point) low = middle + 1
    else high = middle
  }
  return low
}
