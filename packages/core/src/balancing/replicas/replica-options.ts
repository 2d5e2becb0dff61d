import { InvalidOptionError } from '../../shared/errors.ts'
import { checkOptions, option } from '../../shared/options.ts'
import { checkLoadBalancingOptions, type LoadBalancingOptions } from '../load-balancing-options.ts'
import { placeName, type RegionOptions } from '../regions/region-options.ts'

export interface ReplicaOptions {
  /**
   * Maximum replication lag in milliseconds. Sluice does not read from a replica whose lag is higher or
   * unknown. Minimum: `50`.
   * @defaultValue 1000
   */
  readonly maxLagMs?: number
  /**
   * Timeout in milliseconds of a read on a replica. Then Sluice retries it on another replica, or on the
   * primary. Minimum: `50`.
   * @defaultValue 5000
   */
  readonly readTimeoutMs?: number
  /**
   * How one of several replicas is chosen.
   * @defaultValue {}
   */
  readonly balancer?: LoadBalancingOptions
  /**
   * Region of the primary. It then serves reads before replicas in regions that are further away. Requires
   * `balancer.region`.
   * @defaultValue none: only reads that no replica can serve go to the primary
   */
  readonly primaryRegion?: string
}

export interface ResolvedReplicaOptions extends Required<Omit<ReplicaOptions, 'primaryRegion'>> {
  readonly primaryRegion: string | undefined
}

export const DEFAULT_MAX_LAG_MS = 1_000

const rules = {
  maxLagMs: option.number(50),
  readTimeoutMs: option.number(50),
  balancer: option.object,
  primaryRegion: placeName,
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function resolveReplicaOptions(
  options: ReplicaOptions,
  places: readonly ReplicaPlace[],
): ResolvedReplicaOptions {
  checkOptions(options, rules)
  const { maxLagMs = DEFAULT_MAX_LAG_MS, readTimeoutMs = 5_000, balancer = {}, primaryRegion } = options
  checkLoadBalancingOptions(balancer, 'balancer.')
  checkReplicaPlaces(places, balancer.region, primaryRegion)
  return { maxLagMs, readTimeoutMs, balancer, primaryRegion }
}

/** Location of a replica. */
interface ReplicaPlace {
  /** Region of the replica. Required if `balancer.region` is set. */
  readonly region?: string
  /** Zone of the replica. Required in the local region if `balancer.region.zone` is set. */
  readonly zone?: string
}

/** A replica with its location. */
export interface PlacedReplica<TClient> extends ReplicaPlace {
  readonly client: TClient
}

/**
 * The option `replicas` of an adapter, which contains clients, or clients with their location.
 *
 * @param isClient - Whether a value is a client.
 * @param expected - Description of the clients.
 * @throws InvalidOptionError
 */
export function placedReplicas<TClient extends object>(
  input: unknown,
  isClient: (value: unknown) => value is TClient,
  expected: string,
): readonly PlacedReplica<TClient>[] {
  const rules = {
    client: { expected, accepts: isClient },
    region: placeName,
    zone: placeName,
  }
  if (!Array.isArray(input)) throw new InvalidOptionError('replicas', `an array of ${expected}s`, input)
  return input.map((replica: unknown, at) => {
    if (isClient(replica)) return { client: replica }
    if (!option.object.accepts(replica) || !isClient((replica as Partial<PlacedReplica<unknown>>).client))
      throw new InvalidOptionError('replicas', `an array of ${expected}s, or of { client, region }`, input)
    checkOptions(replica, rules, `replicas[${at}].`)
    return replica as PlacedReplica<TClient>
  })
}

/**
 * Verifies that either all replicas have a place, or none.
 *
 * @param own - The option `balancer.region`.
 * @throws InvalidOptionError
 */
function checkReplicaPlaces(
  places: readonly ReplicaPlace[],
  own: RegionOptions | undefined,
  primaryRegion: string | undefined,
): void {
  if (own === undefined) {
    const named = places.find(({ region }) => region !== undefined)?.region ?? primaryRegion
    if (named !== undefined)
      throw new InvalidOptionError(
        'balancer.region',
        `the region of this process, because the options contain the region "${named}"`,
        undefined,
      )
    return
  }
  for (const [at, { region, zone }] of places.entries()) {
    if (region === undefined)
      throw new InvalidOptionError(
        `replicas[${at}].region`,
        'the region of the replica, because `balancer.region` is set',
        undefined,
      )
    if (own.zone !== undefined && region === own.local && zone === undefined)
      throw new InvalidOptionError(
        `replicas[${at}].zone`,
        'the zone of the replica, because `balancer.region.zone` is set',
        undefined,
      )
  }
}
