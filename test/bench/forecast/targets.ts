/**
 * The results of a prototype on well-known traces: the World Cup's web site of 1998 in requests per five
 * minutes, and four series of the Numenta Anomaly Benchmark. Percent within 15 %, by minutes.
 */
export const targets: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  wc98_5min: { 5: 98.3, 15: 94.5, 60: 79.2 },
  nab_rds_cpu: { 5: 98.1, 15: 98, 60: 97 },
  nab_asg_cpu: { 5: 91.5, 15: 91.3, 60: 91.4 },
  nab_nyc_taxi: { 30: 97.2, 60: 92.7 },
  nab_tweets_goog: { 5: 31.3, 15: 29.4, 60: 28.2 },
}

/** In percent: 90% of the values should be within the interval. */
export const COVERAGE: { readonly goal: number; readonly mostOff: number } = { goal: 90, mostOff: 2 }

/**
 * After a load tripled: forecasts within 15 % for values of the following day, in whole percent, by minutes.
 */
export const RECOVERY: Readonly<Record<number, number>> = { 5: 100, 15: 99, 60: 96 }

/**
 * Highest forecast and highest upper bound relative to the maximum of the series until then, with growth that
 * is proven.
 */
export const MOST: { readonly value: number; readonly upper: number } = { value: 4.5, upper: 6 }
