import { InvalidOptionError } from '../../shared/errors.ts'
import { checkOptions, type OptionRule, option } from '../../shared/options.ts'

export interface RegionOptions {
  /** Region of this process. Its nodes are selected first. */
  readonly local: string
  /**
   * Zone of this process within `local`. Its nodes are selected before those of other zones.
   * @defaultValue none: zones are not distinguished
   */
  readonly zone?: string
  /**
   * Round-trip times from this process to the other regions, in milliseconds. The nearest region is selected
   * first. Minimum: `0`.
   * @defaultValue measured by health checks; a region without a measurement comes last
   */
  readonly rttMs?: Readonly<Record<string, number>>
  /**
   * How many times as long as elsewhere a request can take in the local region, or zone, before others are
   * sent away. Increase it if traffic between regions is expensive. Minimum: `1`.
   * @defaultValue 1
   */
  readonly stay?: number
}

const MAX_NAME_LENGTH = 100

/** The name of a region or zone. */
export const placeName: OptionRule = {
  expected: `a string of 1 to ${MAX_NAME_LENGTH} characters`,
  accepts: (value) => typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH,
}

const milliseconds = option.number(0)
const rules = {
  local: placeName,
  zone: placeName,
  rttMs: option.object,
  stay: option.number(1),
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, missing, of the wrong type, or out
 *   of bounds.
 */
export function checkRegionOptions(options: RegionOptions, prefix = ''): void {
  checkOptions(options, rules, prefix)
  if (options.local === undefined)
    throw new InvalidOptionError(`${prefix}local`, 'the region of this process', undefined)
  for (const [region, ms] of Object.entries(options.rttMs ?? {})) {
    if (!milliseconds.accepts(ms))
      throw new InvalidOptionError(`${prefix}rttMs.${region}`, milliseconds.expected, ms)
  }
}

/** Round-trip times to regions, or to the zones of a region: as configured, or the shortest measured one. */
export class Distances {
  readonly #configured: ReadonlyMap<string, number>
  readonly #measured = new Map<string, number>()

  /** @param rttMs - Milliseconds. */
  constructor(
    readonly local: string,
    rttMs: Readonly<Record<string, number>> = {},
  ) {
    this.#configured = new Map(Object.entries(rttMs))
  }

  /** Milliseconds; `undefined`: unknown. */
  of(place: string): number | undefined {
    return place === this.local ? 0 : (this.#configured.get(place) ?? this.#measured.get(place))
  }

  /** @returns Whether the known distance changed. */
  measured(place: string, ms: number): boolean {
    if (place === this.local || this.#configured.has(place)) return false
    if (ms >= (this.#measured.get(place) ?? Number.POSITIVE_INFINITY)) return false
    this.#measured.set(place, ms)
    return true
  }
}
