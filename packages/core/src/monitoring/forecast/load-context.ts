import type { DayRange } from './day-range.ts'
import type { LoadHistory } from './load-history.ts'
import type { LogScale } from './log-scale.ts'
import type { PeriodSearch } from './period-search.ts'
import type { PresentLoad } from './present-load.ts'
import type { TimeGrid } from './time-grid.ts'

/** What the forecasts of all horizons are made from. */
export interface LoadContext {
  readonly grid: TimeGrid
  readonly history: LoadHistory
  readonly scale: LogScale
  readonly range: DayRange
  readonly periods: PeriodSearch
  readonly present: PresentLoad
}
