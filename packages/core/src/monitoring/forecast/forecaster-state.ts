import { crc32 } from 'node:zlib'
import { InvalidArgumentError } from '../../shared/errors.ts'
import { type ResolvedLoadForecasterOptions, resolveLoadForecasterOptions } from './load-forecaster-options.ts'
import { StateCounter, StateReader, type StateVisitor, StateWriter } from './state-visitor.ts'

const VERSION = 1

/** A forecaster as plain data, fit for `JSON.stringify`. */
export interface ForecasterState {
  readonly version: typeof VERSION
  readonly options: ResolvedLoadForecasterOptions
  /** CRC-32 of the data. */
  readonly checksum: number
  /** Base64. */
  readonly data: string
}

type Visit = (state: StateVisitor) => void

/** The bytes that the numbers of a forecaster take. */
export function countState(visit: Visit): number {
  const counter = new StateCounter()
  visit(counter)
  return counter.bytes
}

export function writeState(options: ResolvedLoadForecasterOptions, visit: Visit): ForecasterState {
  const writer = new StateWriter(countState(visit))
  visit(writer)
  const { bytes } = writer
  return { version: VERSION, options, checksum: crc32(bytes), data: Buffer.from(bytes.buffer).toString('base64') }
}

/** @throws InvalidArgumentError when this is no state of a forecaster. */
export function optionsOfState(state: unknown): ResolvedLoadForecasterOptions {
  const { version, options } = (state ?? {}) as Partial<ForecasterState>
  if (version !== VERSION) throw new InvalidArgumentError('state', `a forecaster's state of version ${VERSION}`, state)
  try {
    return resolveLoadForecasterOptions(options as ResolvedLoadForecasterOptions)
  } catch (error) {
    throw new InvalidArgumentError('state', `a forecaster's options (${(error as Error).message})`, state)
  }
}

/** @throws InvalidArgumentError when the data are not those of a forecaster with these options. */
export function readState(state: unknown, visit: Visit): void {
  const { data, checksum } = state as Partial<ForecasterState>
  const bytes = Buffer.from(typeof data === 'string' ? data : '', 'base64')
  const expected = countState(visit)
  if (bytes.length !== expected) throw new InvalidArgumentError('state', `${expected} bytes of data`, bytes.length)
  if (crc32(bytes) !== checksum) throw new InvalidArgumentError('state', 'data that fit their checksum', checksum)
  visit(new StateReader(bytes))
}
