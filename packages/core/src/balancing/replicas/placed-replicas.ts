import { InvalidOptionError } from '../../shared/errors.ts'
import { checkOptions, option } from '../../shared/options.ts'
import { placeName, type RegionOptions } from '../regions/region-options.ts'

/** Location of a replica. */
export interface ReplicaPlace {
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
  given: unknown,
  isClient: (value: unknown) => value is TClient,
  expected: string,
): readonly PlacedReplica<TClient>[] {
  const rules = {
    client: { expected, accepts: isClient },
    region: placeName,
    zone: placeName,
  }
  if (!Array.isArray(given)) throw new InvalidOptionError('replicas', `an array of ${expected}s`, given)
  return given.map((replica: unknown, at) => {
    if (isClient(replica)) return { client: replica }
    if (!option.object.accepts(replica) || !isClient((replica as Partial<PlacedReplica<unknown>>).client))
      throw new InvalidOptionError('replicas', `an array of ${expected}s, or of { client, region }`, given)
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
export function checkReplicaPlaces(
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
