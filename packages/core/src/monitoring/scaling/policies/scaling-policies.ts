import type { Clock } from '../../../shared/clock.ts'
import { InvalidArgumentError } from '../../../shared/errors.ts'
import { randomUUID } from '../../../shared/late-modules.ts'
import { metricTitle } from '../../../shared/metric-title.ts'
import { percent, shown } from '../control/control-options.ts'

export type ScaleDirection = 'up' | 'down'

/** Scales by a threshold of a metric. */
export interface ScalingPolicy {
  readonly id: string
  readonly name: string
  /** A metric's name. */
  readonly metric: string
  /** In the metric's own unit. */
  readonly threshold: number
  /** `up`: when the metric is above the threshold; `down`: when it is below. */
  readonly scaleDirection: ScaleDirection
  /** By how many percent of the workers; always by one at least. */
  readonly scaleAmount: number
  /** Seconds after a decision for which it makes none. */
  readonly cooldownSeconds: number
  readonly enabled: boolean
}

/** @throws InvalidArgumentError */
function checkPolicy({
  name,
  metric,
  threshold,
  scaleDirection,
  scaleAmount,
  cooldownSeconds,
}: Omit<ScalingPolicy, 'id'>): void {
  for (const [argument, value] of Object.entries({ name, metric })) {
    if (typeof value !== 'string' || value === '')
      throw new InvalidArgumentError(argument, 'a non-empty string', value)
  }
  if (!(Number.isFinite(threshold) && threshold >= 0))
    throw new InvalidArgumentError('threshold', 'a number of at least 0', threshold)
  checkDirection(scaleDirection)
  checkAmount('scaleAmount', scaleDirection, scaleAmount)
  if (!(Number.isFinite(cooldownSeconds) && cooldownSeconds >= 0)) {
    throw new InvalidArgumentError('cooldownSeconds', 'a number of at least 0', cooldownSeconds)
  }
}

/** @throws InvalidArgumentError */
export function checkDirection(direction: ScaleDirection): void {
  if (direction !== 'up' && direction !== 'down')
    throw new InvalidArgumentError('direction', '"up" or "down"', direction)
}

/** @throws InvalidArgumentError */
export function checkAmount(argument: string, direction: ScaleDirection, amount: number): void {
  const most = direction === 'down' ? 100 : 1000
  if (!(Number.isFinite(amount) && amount > 0 && amount <= most)) {
    throw new InvalidArgumentError(argument, `a percentage above 0, at most ${most}`, amount)
  }
}

/** The number that so many percent more or fewer make: one more or fewer at least. */
export function scaledBy(current: number, direction: ScaleDirection, amount: number): number {
  return direction === 'up'
    ? Math.max(current + 1, Math.ceil(current * (1 + amount / 100)))
    : Math.max(0, Math.min(current - 1, Math.floor(current * (1 - amount / 100))))
}

const MAX_POLICIES = 1000
const UP_SHARE = 5
/** The share of a policy's threshold by which a metric must be beyond it. */
const TOLERANCE = 0.05

/** How policies are evaluated. */
interface PolicyRules {
  readonly minWorkers: number
  readonly maxWorkers: number
  /**
   * Milliseconds after a step up before a step down; for a step up after a step down, 20% of it: too few
   * workers are worse than too many.
   */
  readonly stabilizationMs: number
}

export interface PolicyVerdict {
  readonly direction: ScaleDirection | null
  /** The number of workers they want; the present one where they want no other. */
  readonly to: number
  readonly metric?: string
  readonly value?: number
  readonly reasons: readonly string[]
  readonly skipped: readonly string[]
  /** Whether a metric is above a threshold for scaling up, whether or not anything is done about it now. */
  readonly isHigh: boolean
}

interface StoredPolicy {
  policy: ScalingPolicy
  /** On the monotonic clock. */
  readyAt: number
}

interface Vote {
  readonly stored: StoredPolicy
  readonly value: number
}

/** Policies and their cooldowns. If some vote up and some down, up wins. */
export class ScalingPolicies {
  readonly #stored = new Map<string, StoredPolicy>()
  #last: { readonly direction: ScaleDirection; readonly at: number } | undefined

  constructor(
    private readonly rules: PolicyRules,
    private readonly clock: Clock,
  ) {}

  /** @throws InvalidArgumentError */
  create(
    name: string,
    metric: string,
    threshold: number,
    scaleDirection: ScaleDirection,
    scaleAmount = 25,
    cooldownSeconds = 300,
  ): ScalingPolicy {
    const policy: ScalingPolicy = {
      id: randomUUID(),
      name,
      metric,
      threshold,
      scaleDirection,
      scaleAmount,
      cooldownSeconds,
      enabled: true,
    }
    checkPolicy(policy)
    if (this.#stored.size >= MAX_POLICIES)
      throw new InvalidArgumentError('name', `at most ${MAX_POLICIES} policies`, name)
    this.#stored.set(policy.id, { policy, readyAt: Number.NEGATIVE_INFINITY })
    return policy
  }

  list(): ScalingPolicy[] {
    return [...this.#stored.values()].map(({ policy }) => policy)
  }

  /** @throws InvalidArgumentError when there is none of this id. */
  setEnabled(id: string, enabled: boolean): ScalingPolicy {
    const stored = this.#stored.get(id)
    if (stored === undefined) throw new InvalidArgumentError('id', 'the id of a policy', id)
    if (typeof enabled !== 'boolean') throw new InvalidArgumentError('enabled', 'true or false', enabled)
    stored.policy = { ...stored.policy, enabled }
    return stored.policy
  }

  /** Whether there was one of this id. */
  remove(id: string): boolean {
    return this.#stored.delete(id)
  }

  /** Records a step from elsewhere, so that no step in the other direction follows immediately. */
  noteStep(direction: ScaleDirection): void {
    this.#last = { direction, at: this.clock.now() }
  }

  /**
   * @param read - A metric's present value; `undefined` where it is missing, which is not 0.
   * @param least - Workers that are needed for other reasons.
   */
  evaluate(current: number, read: (metric: string) => number | undefined, least = 0): PolicyVerdict {
    const now = this.clock.now()
    const skipped: string[] = []
    const votes = this.#votes(read, skipped)
    const up = votes.filter(({ stored }) => stored.policy.scaleDirection === 'up')
    const isHigh = up.length > 0
    const direction = isHigh ? 'up' : 'down'
    const ready = (isHigh ? up : votes).filter(({ stored }) => this.#isReady(stored, now, skipped))
    const chosen = this.#choose(ready, current, direction, least)
    const held: PolicyVerdict = { direction: null, to: current, reasons: [], skipped, isHigh }
    if (chosen === undefined || !this.#isStable(now, direction, chosen.vote.stored.policy, skipped))
      return held
    const { vote, to } = chosen
    if (to === current) {
      skipped.push(
        `${nameOf(vote.stored.policy)}: already at ${current}, the ${direction === 'up' ? 'maximum' : 'minimum'}.`,
      )
      return held
    }
    this.#last = { direction, at: now }
    // All that asked for it have got it.
    for (const { stored } of ready) stored.readyAt = now + stored.policy.cooldownSeconds * 1000
    const reasons = ready.map(({ stored: { policy }, value }) => reasonOf(policy, value))
    return { direction, to, metric: vote.stored.policy.metric, value: vote.value, reasons, skipped, isHigh }
  }

  #votes(read: (metric: string) => number | undefined, skipped: string[]): Vote[] {
    const votes: Vote[] = []
    for (const stored of this.#stored.values()) {
      const { policy } = stored
      if (!policy.enabled) continue
      const value = read(policy.metric)
      if (value === undefined || !Number.isFinite(value))
        skipped.push(`${nameOf(policy)}: ${metricTitle(policy.metric)} is unknown.`)
      else if (this.#isBeyond(policy, value, skipped)) votes.push({ stored, value })
    }
    return votes
  }

  #isBeyond(policy: ScalingPolicy, value: number, skipped: string[]): boolean {
    const { threshold, scaleDirection } = policy
    const isUp = scaleDirection === 'up'
    if (!(isUp ? value > threshold : value < threshold)) return false
    const isFar = isUp ? value > threshold * (1 + TOLERANCE) : value < threshold * (1 - TOLERANCE)
    if (!isFar)
      skipped.push(`${reasonOf(policy, value)} This is within the tolerance of ${percent(TOLERANCE)}.`)
    return isFar
  }

  #isReady({ policy, readyAt }: StoredPolicy, now: number, skipped: string[]): boolean {
    if (now >= readyAt) return true
    skipped.push(`${nameOf(policy)}: its cooldown ends in ${shown(Math.ceil((readyAt - now) / 1000))} s.`)
    return false
  }

  #choose(
    votes: readonly Vote[],
    current: number,
    direction: ScaleDirection,
    least: number,
  ): { readonly vote: Vote; readonly to: number } | undefined {
    let chosen: { readonly vote: Vote; readonly to: number } | undefined
    for (const vote of votes) {
      const to = this.#within(
        current,
        scaledBy(current, direction, vote.stored.policy.scaleAmount),
        direction,
        least,
      )
      if (chosen === undefined || (direction === 'up' ? to > chosen.to : to < chosen.to))
        chosen = { vote, to }
    }
    return chosen
  }

  /** Never against the direction, should there be more or fewer already than may be. */
  #within(current: number, to: number, direction: ScaleDirection, least: number): number {
    const { minWorkers, maxWorkers } = this.rules
    return direction === 'up'
      ? Math.max(current, Math.min(maxWorkers, to))
      : Math.min(current, Math.max(minWorkers, least, to))
  }

  #isStable(now: number, direction: ScaleDirection, policy: ScalingPolicy, skipped: string[]): boolean {
    const last = this.#last
    if (last === undefined || last.direction === direction) return true
    const windowMs = direction === 'down' ? this.rules.stabilizationMs : this.rules.stabilizationMs / UP_SHARE
    const leftMs = last.at + windowMs - now
    if (leftMs <= 0) return true
    skipped.push(
      `${nameOf(policy)}: not ${direction} within ${shown(Math.ceil(leftMs / 1000))} s, because of the step ${last.direction}.`,
    )
    return false
  }
}

function nameOf({ name }: ScalingPolicy): string {
  return `Policy "${name}"`
}

function reasonOf(policy: ScalingPolicy, value: number): string {
  const side = policy.scaleDirection === 'up' ? 'above' : 'below'
  return `${nameOf(policy)}: ${metricTitle(policy.metric)} is ${shown(value)}, ${side} ${shown(policy.threshold)}.`
}
