/** Where the forecast of each expert stands in a row of them. */
export const EXPERT = {
  last: 0,
  median5: 1,
  average: 2,
  trend: 3,
  yesterday: 4,
  profile: 5,
  growth: 6,
  period: 7,
  periodMedian: 8,
  levelRegression: 9,
  periodRegression: 10,
  growthRegression: 11,
  matchPeriod: 12,
} as const satisfies Readonly<Record<string, number>>

export const EXPERTS: number = Object.keys(EXPERT).length
