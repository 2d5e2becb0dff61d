import { describe, expect, it } from 'vitest'
import { RecursiveLeastSquares } from '../../../src/monitoring/forecast/recursive-least-squares.ts'
import { normal, seeded } from '../seeded.ts'

const START = { forgetting: 0.999, weights: [0, 1, 0], variance: 10 }

function features(random: () => number): Float64Array {
  return Float64Array.of(1, 5 + normal(random), normal(random))
}

describe('RecursiveLeastSquares', () => {
  it('estimates with its initial weights before it has learned', () => {
    expect(new RecursiveLeastSquares(START).estimate(Float64Array.of(1, 7, 3))).toBe(7)
  })

  it('finds the weights of a line, and new weights after the line changed', () => {
    const squares = new RecursiveLeastSquares(START)
    const random = seeded(2)
    for (const [constant, first, second] of [
      [3, 0.5, -2],
      [-1, 2, 4],
    ] as const) {
      for (let sample = 0; sample < 6000; sample += 1) {
        const at = features(random)
        squares.learn(at, constant + first * (at[1] ?? 0) + second * (at[2] ?? 0) + 0.01 * normal(random), 10)
      }
      expect(squares.estimate(Float64Array.of(1, 5, 1))).toBeCloseTo(constant + 5 * first + second, 1)
    }
  })

  it('is not distorted by one outlier', () => {
    const squares = new RecursiveLeastSquares(START)
    const random = seeded(3)
    for (let sample = 0; sample < 500; sample += 1) squares.learn(features(random), 5, 1)
    const at = features(random)
    squares.learn(at, 1e9, 0.1)
    expect(squares.estimate(at)).toBeCloseTo(5, 1)
  })

  it('stays finite and able to learn after many equal samples', () => {
    const squares = new RecursiveLeastSquares({ ...START, forgetting: 0.99 })
    for (let sample = 0; sample < 200_000; sample += 1) squares.learn(Float64Array.of(1, 2, 0), 4, 1)
    expect(squares.estimate(Float64Array.of(1, 2, 0))).toBeCloseTo(4, 6)
    const random = seeded(5)
    for (let sample = 0; sample < 3000; sample += 1) {
      const at = features(random)
      squares.learn(at, 1 + (at[2] ?? 0), 1)
    }
    expect(squares.estimate(Float64Array.of(1, 5, 2))).toBeCloseTo(3, 2)
  })

  it('does not extrapolate strongly along a feature that was constant for a long time', () => {
    const squares = new RecursiveLeastSquares({ ...START, forgetting: 0.99 })
    for (let sample = 0; sample < 2500; sample += 1) squares.learn(Float64Array.of(1, 2, 0), 4, 1)
    squares.learn(Float64Array.of(1, 2, 1e-3), 4.5, 1)
    expect(Math.abs(squares.estimate(Float64Array.of(1, 2, 1)))).toBeLessThan(50)
  })

  it('follows a translation of its features', () => {
    const squares = new RecursiveLeastSquares({ ...START, weights: [0.5, 0.6, 0.2, 3] })
    const before = squares.estimate(Float64Array.of(1, 4, 5, 2))
    squares.translate(1.1, 2)
    expect(squares.estimate(Float64Array.of(1, 5.1, 6.1, 2))).toBeCloseTo(before + 1.1, 10)
  })
})
