import type { IndexAdvice } from '@sluice/core/database'
import type { ShopAdvisor } from './advise-shop.ts'
import { labelOf, type ShapeVerdict, type WorkloadVerdict } from './judge.ts'
import type { RealAnswer, RealGain } from './real-gain.ts'
import { shown } from './report.ts'
import type { AskedShape } from './shop-workload.ts'

export function printWorkload(
  { name, openedMs }: ShopAdvisor,
  { advice, needs, misses, foreseen, unforeseen }: WorkloadVerdict,
): void {
  const { indexes, planned: asked, tookMs, validation } = advice
  console.log(
    `\n${name}: all statements together, by ${validation}; ${asked} planner calls, ${shown(tookMs)} ms, after ${shown(openedMs)} ms of inspection`,
  )
  console.log(
    `  recall ${needs - misses.length} of ${needs} needs; ${foreseen.length} of ${indexes.length} advised indexes were expected`,
  )
  for (const { id, need } of misses) console.log(`  missed    ${id}: ${need}`)
  for (const index of unforeseen) console.log(`  unforeseen ${labelOf(index)} ${servedBy(index)}`)
  for (const index of foreseen) console.log(`  foreseen  ${labelOf(index)}`)
  for (const { kind, why, label } of advice.left.filter((one) => one.kind !== 'cheap'))
    console.log(`  left      ${kind}: ${why} ${label.slice(0, 80)}`)
}

function servedBy({ serves }: IndexAdvice): string {
  return serves
    .map(
      ({ label, without, with: present }) => `(${shown(without)} → ${shown(present)}: …${label.slice(-60)})`,
    )
    .join(' ')
}

export function printAlone(verdicts: readonly ShapeVerdict[], real: ReadonlyMap<string, RealAnswer>): void {
  const right = verdicts.filter(({ isRight }) => isRight).length
  console.log(
    `  each alone: ${right} of ${verdicts.length} right (${shown((right / verdicts.length) * 100)} %)`,
  )
  for (const { asked, advice, missing, needless } of verdicts.filter(({ isRight }) => !isRight)) {
    const costs = advice.statements.map(({ before, after }) => `cost ${shown(before)} → ${shown(after)}`)
    const left = advice.left.map(({ kind }) => `left as ${kind}`)
    const came = advice.indexes.length === 0 ? 'nothing' : advice.indexes.map(labelOf).join('; ')
    console.log(
      `  wrong     ${asked.id} (${asked.shape.asks}): came ${came}; ${[...costs, ...left].join(', ')}`,
    )
    if (missing.length > 0) console.log(`              should have come: ${missing.join('; ')}`)
    if (needless.length > 0) console.log(`              needless: ${needless.map(labelOf).join('; ')}`)
    const times = real.get(asked.id)
    if (times !== undefined) console.log(`              in truth: ${timesText(times)}`)
  }
}

function timesText({ bare, advised, known }: RealAnswer): string {
  const parts = [
    `${shown(bare)} ms`,
    ...(advised === undefined ? [] : [`with the advice ${shown(advised)} ms`]),
    ...(known === undefined ? [] : [`with the answer ${shown(known)} ms`]),
  ]
  return parts.join(', ')
}

export function printGain(
  { after, drops }: RealGain,
  shapes: readonly AskedShape[],
  before: ReadonlyMap<string, number>,
): void {
  console.log('  milliseconds of one call, without and with the advised indexes')
  for (const { id } of shapes) {
    const [bare, present] = [before.get(id) ?? 0, after.get(id) ?? 0]
    console.log(
      `    ${id.padEnd(30)} ${shown(bare).padStart(9)} ${shown(present).padStart(9)}  × ${shown(bare / present)}`,
    )
  }
  console.log('  what is slower without each (at least 1.3 times and 0.02 ms)')
  for (const { label, losses } of drops) {
    const worst = losses
      .slice(0, 3)
      .map(({ id, with: present, without }) => `${id} ${shown(present)} → ${shown(without)}`)
    console.log(`    ${label.padEnd(48)} ${worst.length === 0 ? 'NOTHING' : worst.join(', ')}`)
  }
}
