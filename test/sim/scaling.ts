// Replays loads against a model of workers with several scaling rules: shows how often requests were slow,
// how many were dropped, and the cost.
// `--trace FILE` replays a CSV file with the columns timestamp and value; without one, a synthetic load.
// `--scenario` replays one of flash, outage and database; without it and without a trace, all.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BenchFigure, toJson } from '../bench/database/report.ts'
import { runDatabase } from './scaling/database.ts'
import { type Load, loadOfTrace, madeLoad, withFlashCrowds, withOutages } from './scaling/load.ts'
import { plot } from './scaling/plot.ts'
import { type Replayed, replayAll } from './scaling/replay.ts'
import { rules } from './scaling/rules.ts'

const SEED = 1
const scenarios = ['trace', 'flash', 'outage', 'database']

const { values: options } = parseArgs({
  options: {
    trace: { type: 'string' },
    scenario: { type: 'string' },
    // Seconds until a started worker responds. Each scenario has its default.
    'start-up': { type: 'string' },
    svg: { type: 'string' },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
})
const { trace, scenario, svg, json, quick } = options
if (scenario !== undefined && !scenarios.includes(scenario))
  throw new Error(`--scenario is one of ${scenarios.join(', ')}.`)
const startUp = options['start-up'] === undefined ? undefined : Number(options['start-up'])
if (startUp !== undefined && !(Number.isInteger(startUp) && startUp >= 0))
  throw new Error('--start-up is a whole number of seconds.')

const isAsked = (name: string) =>
  scenario === undefined ? trace === undefined || name === 'trace' : scenario === name
if (isAsked('trace')) show(loadOf(quick ? 1 : 7, 2000), startUp ?? 120)
if (isAsked('flash')) show(withFlashCrowds(loadOf(quick ? 1 : 2, 1000)), startUp ?? 60)
if (isAsked('outage')) show(withOutages(loadOf(quick ? 1 : 2, 1500)), startUp ?? 60)
if (isAsked('database')) for (const peak of [500, 900]) showDatabase(peak)

function loadOf(days: number, peak: number): Load {
  return trace === undefined ? madeLoad(days, peak, SEED) : loadOfTrace(trace, days, peak)
}

function show(load: Load, startUpSeconds: number): void {
  const replayed = replayAll(load, startUpSeconds, rules)
  if (json)
    for (const figure of replayed.flatMap((one) => figuresOf(load.name, one)))
      console.log(toJson(figure, 'scaling'))
  else printReplayed(load, startUpSeconds, replayed)
  if (svg === undefined) return
  mkdirSync(svg, { recursive: true })
  const title = `${load.name}, workers are up after ${startUpSeconds} s`
  writeFileSync(join(svg, `${load.name.replaceAll(/\W+/g, '-')}.svg`), plot(title, replayed))
}

function figuresOf(load: string, { rule, over, dropped, cost, eventsADay }: Replayed): BenchFigure[] {
  const id = `${load}, ${rule}`
  return [
    { id: `${id}: over the objective`, value: over, unit: '%' },
    { id: `${id}: dropped`, value: dropped, unit: '%' },
    { id: `${id}: worker-hours relative to an oracle`, value: cost, unit: '×' },
    { id: `${id}: changes a day`, value: eventsADay, unit: 'changes' },
  ]
}

function printReplayed({ name, rates }: Load, startUpSeconds: number, replayed: readonly Replayed[]): void {
  console.log(
    `\n${name}: ${(rates.length / 86_400).toFixed(0)} days, workers are up after ${startUpSeconds} s`,
  )
  printRow('', ['over 200 ms', 'dropped', 'worker-hours', 'vs. oracle', 'changes a day'])
  for (const { rule, over, dropped, workerHours, cost, eventsADay } of replayed) {
    printRow(rule, [
      `${over.toFixed(3)} %`,
      `${dropped.toFixed(3)} %`,
      workerHours.toFixed(0),
      `× ${cost.toFixed(3)}`,
      eventsADay.toFixed(0),
    ])
  }
}

function showDatabase(peak: number): void {
  const runs = runDatabase(peak)
  if (json) {
    for (const { rule, served, mostWorkers } of runs) {
      console.log(
        toJson({ id: `database at ${peak}/s, ${rule}: served`, value: served, unit: '%' }, 'scaling'),
      )
      console.log(
        toJson(
          { id: `database at ${peak}/s, ${rule}: workers at most`, value: mostWorkers, unit: 'workers' },
          'scaling',
        ),
      )
    }
    return
  }
  console.log(`\ndatabase: up to ${peak} requests/s, and a database that answers at most about 590`)
  printRow('', ['served', 'over 500 ms', 'most workers', 'worker-hours'])
  for (const { rule, served, over, mostWorkers, workerHours } of runs) {
    printRow(rule, [
      `${served.toFixed(1)} %`,
      `${over.toFixed(1)} %`,
      String(mostWorkers),
      workerHours.toFixed(1),
    ])
  }
}

function printRow(name: string, cells: readonly string[]): void {
  console.log(`  ${name.padEnd(32)}${cells.map((cell) => cell.padStart(15)).join('')}`)
}
