import {
  certificateOf,
  compact,
  fold,
  openingStep,
  planOpening,
  type SeenLog,
  textOf,
} from '../../../../packages/memcached/src/tag-log.ts'
import {
  idleReader,
  lossesAt,
  type Mistake,
  NOW,
  newStamp,
  type Scenario,
  setLog,
  TAGS,
  type Tag,
  TERMS,
  visible,
  type World,
  type Writer,
} from './world.ts'

export type Invariant = 'A' | 'B' | 'C'

/** Offers a step: its actor, its action, and how it changes a copy of the world. */
export type Emit = (
  actor: string,
  action: string,
  change: (next: World, broken: (invariant: Invariant) => void) => void,
  isFault?: boolean,
) => void

interface Rules {
  readonly scenario: Scenario
  readonly mistakes: ReadonlySet<Mistake>
}

export function stepsOf(world: World, rules: Rules, emit: Emit): void {
  for (const index of world.writers.keys()) writerSteps(world, index, rules, emit)
  for (const index of world.readers.keys()) readerSteps(world, index, rules, emit)
  serverSteps(world, rules, emit)
}

const tokenOf = (writer: number): string => `w${writer}`

function writerSteps(world: World, index: number, { scenario, mistakes }: Rules, emit: Emit): void {
  const { step, isLate } = world.writers[index] as Writer
  const tags = scenario.writers[index] as readonly Tag[]
  const actor = `W${index + 1}`
  const isOn = (fault: keyof World['faults']) => (world.faults[fault] ?? 0) > 0
  const go = (action: string, change: (next: World, own: Writer) => void, spends?: keyof World['faults']) =>
    emit(
      actor,
      action,
      (next) => {
        if (spends !== undefined) next.faults[spends] = (next.faults[spends] ?? 0) - 1
        change(next, next.writers[index] as Writer)
      },
      spends !== undefined,
    )
  const moveTo = (to: Writer['step']) => (_: World, own: Writer) => {
    own.step = to
  }
  const begin = (next: World, own: Writer) => {
    for (const tag of tags) {
      const at = TAGS.indexOf(tag)
      const text = `${next.logs[at] ?? ''}b${tokenOf(index)};`
      setLog(next, at, mistakes.has('tombstones') ? `${certificateFor(next, at)}S;` : normal(text))
    }
    own.isLate = false
    renewed(next)
  }
  const renewed = (next: World) => {
    for (const at of TAGS.keys()) next.awaited[at] = (next.awaited[at] as number) & ~(1 << index)
  }
  const commit = (next: World, own: Writer) => {
    next.db += 1
    own.version = next.db
    own.step = 'committed'
    renewed(next)
  }
  const end = (next: World) => {
    for (const tag of tags) {
      const at = TAGS.indexOf(tag)
      const text = next.logs[at]
      if (mistakes.has('tombstones')) setLog(next, at, `${certificateFor(next, at)}S${newStamp(next)};`)
      else if (text != null) setLog(next, at, normal(`${text}e${tokenOf(index)}:${newStamp(next)};`))
    }
  }
  const acknowledge = (next: World, own: Writer) => {
    next.acknowledged = Math.max(next.acknowledged, own.version)
  }

  if (step === 'idle')
    go('BEGIN', (next, own) => {
      begin(next, own)
      own.step = 'begun'
    })
  if (step === 'begun') {
    if (isLate) go('BEGIN again, its lease is over', begin)
    else {
      go('COMMIT', commit)
      if (isOn('pause')) go('passes its check, then stops', moveTo('paused'), 'pause')
    }
  }
  if (step === 'paused') {
    // The database refuses a COMMIT after the lease.
    if (isLate) go('COMMIT is refused', moveTo('done'))
    else go('goes on: COMMIT', commit)
  }
  if (
    (step === 'begun' || step === 'paused') &&
    !mistakes.has('noRenewal') &&
    !mistakes.has('tombstones') &&
    !isLate
  )
    renew(world, index, tags, go, begin, renewed)
  if (step === 'committed' || step === 'ending') {
    const then = step === 'committed' ? 'acknowledging' : 'done'
    go('END', (next, own) => {
      end(next)
      own.step = then
    })
    if (isOn('endLost')) go('cannot reach the server for END', moveTo(then), 'endLost')
  }
  if (step === 'committed' && !isLate)
    go('acknowledges before END', (next, own) => {
      acknowledge(next, own)
      own.step = 'ending'
    })
  if (step === 'acknowledging')
    go('acknowledges', (next, own) => {
      acknowledge(next, own)
      own.step = 'done'
    })
  if (step !== 'done' && step !== 'dead' && isOn('crash'))
    go(
      'dies',
      (next, own) => {
        own.step = 'dead'
        renewed(next)
      },
      'crash',
    )
  leaseSteps(world, index, step, go)
}

type Go = (action: string, change: (next: World, own: Writer) => void, spends?: keyof World['faults']) => void

/** A renewal is one look, and one write that may be overtaken; then the writer begins again. */
function renew(
  world: World,
  index: number,
  tags: readonly Tag[],
  go: Go,
  begin: (next: World, own: Writer) => void,
  renewed: (next: World) => void,
): void {
  const token = tokenOf(index)
  const states = tags.map((tag) => {
    const log = fold(world.logs[TAGS.indexOf(tag)] ?? '')
    const until = log.intents.get(token)
    return !log.intents.has(token) || (until !== undefined && until <= NOW) ? 'gone' : until
  })
  if (states.includes('gone')) go('announces itself again', begin)
  else if (
    states.some((state) => state !== undefined) ||
    world.awaited.some((mask) => (mask & (1 << index)) !== 0)
  )
    go('renews its intents', (next) => {
      for (const tag of tags) {
        const at = TAGS.indexOf(tag)
        const log = fold(next.logs[at] as string)
        if (log.intents.get(token) !== undefined)
          setLog(next, at, textOf({ ...log, intents: new Map(log.intents).set(token, undefined) }))
      }
      renewed(next)
    })
}

/** Leases expire of writers that are gone, and of others by a fault: they renew them in time. */
function leaseSteps(world: World, index: number, step: Writer['step'], go: Go): void {
  const pattern = new RegExp(`b${tokenOf(index)}=${NOW + TERMS.leaseS};`)
  if (!world.logs.some((text) => text !== null && pattern.test(text))) return
  // Time passes: the log is not changed by it.
  const expire = (next: World) => {
    next.logs = next.logs.map((text) => text?.replace(pattern, `b${tokenOf(index)}=${NOW};`) ?? null)
  }
  const lapse = (next: World, own: Writer) => {
    expire(next)
    own.isLate = true
  }
  if (step === 'done' || step === 'dead') go('lease ends', expire)
  else if (step === 'paused') {
    if ((world.faults.lapsePaused ?? 0) > 0) go('lease lapses while it stands', lapse, 'lapsePaused')
  } else if ((world.faults.lapse ?? 0) > 0) go('lease lapses while it works', lapse, 'lapse')
}

function readerSteps(world: World, index: number, { mistakes }: Rules, emit: Emit): void {
  const reader = world.readers[index] as World['readers'][number]
  const actor = `R${index + 1}`
  const go = (
    action: string,
    change: (next: World, own: typeof reader, broken: (invariant: Invariant) => void) => void,
  ) => emit(actor, action, (next, broken) => change(next, next.readers[index] as typeof reader, broken))
  const check = (next: World, own: typeof reader, value: number, broken: (invariant: Invariant) => void) => {
    if (value < own.acknowledged) broken('A')
    if (value < own.seen) broken('B')
    next.seen = Math.max(next.seen, value)
  }
  switch (reader.step) {
    case 'idle':
      if (reader.left > 0)
        go('begins to read', (next, own) => {
          own.acknowledged = next.acknowledged
          own.seen = Math.max(next.acknowledged, next.seen)
          own.step = 'asking'
        })
      return
    case 'asking': {
      const [epoch, stamp] = [visible(world, '*'), visible(world, 'x')]
      const { entry } = world
      const isValid = epoch !== undefined && stamp !== undefined
      if (isValid && entry?.epoch === epoch && entry.stamp === stamp)
        go('hit', (next, own, broken) => {
          check(next, own, entry.value, broken)
          next.readers[index] = idleReader(own.left - 1)
        })
      else
        go('miss', (_, own) => {
          own.permit = isValid ? { epoch, stamp } : undefined
          own.step = isValid ? 'reading' : 'looking'
        })
      return
    }
    case 'looking':
      go('writes and looks', (next, own) => {
        for (const { tag, text } of own.writes) {
          // A missing log is added; others are replaced by their number, which changes with them.
          const isChanged = own.texts[tag] === null ? next.logs[tag] !== null : own.isDirty[tag] === true
          if (!isChanged || mistakes.has('blindWrites')) replace(next, tag, text)
        }
        own.texts = [...next.logs]
        own.isDirty = [false, false]
        own.writes = []
        own.step = 'asked'
      })
      return
    case 'asked':
      go(reader.needsLosses ? 'reads the losses and plans' : 'plans', (next, own) => {
        if (own.needsLosses && !mistakes.has('earlyLosses')) own.lost = next.lost
        plan(next, own, mistakes)
      })
      return
    case 'reading':
      go('SQL', (next, own, broken) => {
        check(next, own, next.db, broken)
        own.value = next.db
        if (own.permit === undefined) next.readers[index] = idleReader(own.left - 1)
        else own.step = 'filling'
      })
      return
    case 'filling':
      go('fills', (next, own) => {
        if (own.permit !== undefined) next.entry = { value: own.value, ...own.permit }
        next.readers[index] = idleReader(own.left - 1)
      })
      return
  }
}

function plan(world: World, reader: World['readers'][number], mistakes: ReadonlySet<Mistake>): void {
  const seen = TAGS.map((tag, at): SeenLog => {
    const text = reader.texts[at] ?? undefined
    return { tag, text, log: fold(text ?? ''), now: NOW }
  }) as [SeenLog, SeenLog]
  const losses = reader.lost === null ? undefined : lossesAt(reader.lost)
  const terms = { ...TERMS, quarantineS: mistakes.has('noQuarantine') ? 0 : TERMS.quarantineS }
  const planned = planOpening({ seen, losses }, ['x'], () => newStamp(world), terms)
  reader.writes = planned.writes.map(({ seen: { tag }, text }) => ({ tag: TAGS.indexOf(tag as Tag), text }))
  reader.needsLosses = planned.needsLosses
  reader.lost = mistakes.has('earlyLosses') && planned.needsLosses ? world.lost : null
  mistake(world, reader, seen, mistakes)
  if (reader.writes.length === 0 && !reader.needsLosses) {
    reader.permit = planned.stamps && {
      epoch: planned.stamps.epoch,
      stamp: planned.stamps.stamps[0] as string,
    }
    reader.texts = []
    reader.isDirty = []
    reader.step = 'reading'
  } else reader.step = 'looking'
}

/** Changes a plan by those mistakes that are mistakes of the plan. */
function mistake(
  world: World,
  reader: World['readers'][number],
  [epoch, tag]: readonly [SeenLog, SeenLog],
  mistakes: ReadonlySet<Mistake>,
): void {
  const isLive = epoch.log.base === 'certain' && epoch.log.certificate !== undefined
  if (mistakes.has('alwaysCertified') && isLive && tag.text !== undefined && tag.log.base === 'unknown') {
    const { text } = openingStep(tag.log, NOW, true, newStamp(world), TERMS)
    reader.writes = reader.writes.filter((write) => write.tag !== 1)
    if (text !== undefined) reader.writes.push({ tag: 1, text })
    reader.needsLosses = false
  }
  if (mistakes.has('directStamps') && isLive && tag.text === undefined) {
    const isCertified = epoch.log.certificate === certificateOf(lossesAt(world.lost))
    if (isCertified) reader.writes = [{ tag: 1, text: `S${newStamp(world)};` }]
  }
  if (mistakes.has('lateCertificate')) {
    for (const write of reader.writes)
      if (write.tag === 0 && write.text.includes('S'))
        write.text = write.text.replace(/V[^;]*;/, `V${certificateOf(lossesAt(world.lost))};`)
  }
}

/** Replaces a log. If that begins its quarantine, all living writers renew their intents before it ends. */
function replace(world: World, at: number, text: string): void {
  const isQuarantined = (one: string | null) =>
    one !== null && fold(one).base !== 'unknown' && fold(one).base !== 'certain'
  if (isQuarantined(text) && !isQuarantined(world.logs[at] ?? null)) {
    world.awaited[at] = world.writers.reduce(
      (mask, { step }, writer) => (step === 'begun' || step === 'paused' ? mask | (1 << writer) : mask),
      0,
    )
  }
  setLog(world, at, text)
}

function serverSteps(world: World, { mistakes }: Rules, emit: Emit): void {
  const quarantine = `Q${NOW + TERMS.quarantineS};`
  for (const [at, tag] of TAGS.entries()) {
    const text = world.logs[at]
    if (text?.includes(quarantine) && (world.awaited[at] === 0 || mistakes.has('noRenewal')))
      emit('server', `quarantine of ${tag} ends`, (next) => {
        next.logs[at] = text.replace(quarantine, `Q${NOW};`)
      })
    if (text != null && compact(text, NOW) !== text)
      emit('server', `log ${tag} is compacted by a process`, (next) => setLog(next, at, compact(text, NOW)))
    if (text != null && (world.faults.evict ?? 0) > 0)
      emit(
        'server',
        `loses the log ${tag}`,
        (next) => {
          next.faults.evict = (next.faults.evict ?? 0) - 1
          next.lost += 1
          setLog(next, at, null)
        },
        true,
      )
  }
  if ((world.faults.restart ?? 0) > 0)
    emit(
      'server',
      'restarts empty',
      (next) => {
        next.faults.restart = (next.faults.restart ?? 0) - 1
        next.lost = 0
        next.entry = null
        for (const at of TAGS.keys()) setLog(next, at, null)
      },
      true,
    )
}

function certificateFor(world: World, at: number): string {
  return at === 0 ? `V${certificateOf(lossesAt(world.lost))};` : ''
}

/** A log without finished writes: only what it means matters. */
function normal(text: string): string {
  return textOf(fold(text))
}
