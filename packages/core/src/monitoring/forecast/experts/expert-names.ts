type ExpertName =
  | 'last'
  | 'median5'
  | 'average'
  | 'trend'
  | 'yesterday'
  | 'profile'
  | 'growth'
  | 'period'
  | 'periodMedian'
  | 'levelRegression'
  | 'periodRegression'
  | 'growthRegression'
  | 'matchPeriod'

/** Where the forecast of each expert stands in a row of them. */
export const EXPERT: Readonly<Record<ExpertName, number>> = {
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
}

export const EXPERTS: number = Object.keys(EXPERT).length
