// The accuracy of load forecasts compared with simple ones, the coverage of their intervals, and their cost.
import { parseArgs } from 'node:util'
import { type BenchFigure, printFigures, toJson } from './database/report.ts'
import { baselines } from './forecast/baselines.ts'
import { measureCosts } from './forecast/costs.ts'
import { type Evaluation, evaluate } from './forecast/evaluate.ts'
import { measureRecovery } from './forecast/recovery.ts'
import { readFolder, syntheticSeries } from './forecast/series.ts'
import { COVERAGE, MOST, targets } from './forecast/targets.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    // A folder of CSV files with the columns timestamp and value.
    traces: { type: 'string' },
  },
})

const { json, quick, traces } = options
const series = traces === undefined || quick ? syntheticSeries(quick ? 10 : 28) : readFolder(traces)
const evaluations: Evaluation[] = []
if (!json) printHeader()
for (const one of series) {
  const evaluated = evaluate(one)
  if (!json) for (const evaluation of evaluated) printRow(evaluation)
  evaluations.push(...evaluated)
}
const figures = [...evaluations.flatMap(figuresOf), ...measureRecovery(), ...measureCosts(quick)]
if (json) for (const figure of figures) console.log(toJson(figure, 'forecast'))
else {
  console.log()
  printFigures(figures)
}

function printHeader(): void {
  console.log(
    'Forecasts within ±15 %, and values within the interval and up to its upper bound, in percent; without the first 40 % of each series. Peaks are the highest 5 % of the values.\n',
  )
  const names = ['Sluice', ...Object.keys(baselines), 'interval', 'upper']
  console.log(
    `${'series'.padEnd(22)} ${'ahead'.padStart(6)} ${names.map((name) => name.padStart(14)).join('')}`,
  )
}

function printRow({ series: name, minutes, accurate, accuratePeaks, covered, below }: Evaluation): void {
  printCells(name, `${minutes} min`, [...Object.values(accurate), covered, below])
  printCells('', 'peaks', Object.values(accuratePeaks))
}

function printCells(name: string, minutes: string, percents: readonly number[]): void {
  const cells = percents.map((percent) => percent.toFixed(1).padStart(14))
  console.log(`${name.padEnd(22)} ${minutes.padStart(6)} ${cells.join('')}`)
}

function figuresOf({
  series: name,
  minutes,
  accurate,
  accuratePeaks,
  covered,
  overMaximum,
  upperOverMaximum,
}: Evaluation): BenchFigure[] {
  const id = `${name}, ${minutes} min`
  const known = targets[name]?.[minutes]
  const { Sluice: ours = Number.NaN } = accurate
  // Targets have a precision of 0.1%.
  const within: BenchFigure = {
    id: `${id}: within ±15 %`,
    value: Math.round(ours * 10) / 10,
    unit: '%',
    bound: '≥',
  }
  return [
    known === undefined ? within : { ...within, target: known },
    {
      id: `${id}: within the interval, off ${COVERAGE.goal} %`,
      value: Math.abs(covered - COVERAGE.goal),
      unit: '%',
      target: COVERAGE.mostOff,
    },
    { id: `${id}: peaks within ±15 %`, value: accuratePeaks.Sluice ?? Number.NaN, unit: '%', bound: '≥' },
    { id: `${id}: highest forecast over the maximum`, value: overMaximum, unit: '×', target: MOST.value },
    { id: `${id}: highest bound over the maximum`, value: upperOverMaximum, unit: '×', target: MOST.upper },
  ]
}
