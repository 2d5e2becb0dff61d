import { UsageError } from '../command.ts'

export interface NumberBounds {
  readonly least: number
  readonly most: number
  readonly isInteger?: boolean
  /** Default. */
  readonly otherwise: number
}

/** @throws UsageError */
export function numberOption(
  option: string,
  given: string | undefined,
  { least, most, isInteger, otherwise }: NumberBounds,
): number {
  if (given === undefined) return otherwise
  const value = given.trim() === '' ? Number.NaN : Number(given)
  if (value >= least && value <= most && (isInteger !== true || Number.isInteger(value))) return value
  throw new UsageError(
    `${option}: expected ${isInteger === true ? 'an integer' : 'a number'} from ${least} to ${most}, got "${given}"`,
  )
}

/** @throws UsageError */
export function oneOf<T extends string>(option: string, known: readonly T[], given: string): T {
  const found = known.find((name) => name === given)
  if (found === undefined) throw new UsageError(`${option}: expected ${known.join(', ')}, got "${given}"`)
  return found
}

/** Values of an option that can be repeated, and that can contain several values separated by commas. */
export function listOf(given: readonly string[] | undefined): string[] {
  return (given ?? [])
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/** Color options of every command, for `parseArgs`. */
export const colorOptions = {
  color: { type: 'boolean' },
  'no-color': { type: 'boolean' },
} as const

/** Value of the color options; `undefined` if neither is set. */
export function colorOf(values: {
  readonly color?: boolean | undefined
  readonly 'no-color'?: boolean | undefined
}): boolean | undefined {
  return values['no-color'] === true ? false : values.color
}
