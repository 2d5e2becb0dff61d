import type { Sluice } from '@sluice/core'
import { describe, expect, it } from 'vitest'

type Scoped = <A extends unknown[], R>(
  name: string,
  handle: (...args: A) => R | Promise<R>,
) => (...args: A) => Promise<R>

/** The files of the app are JavaScript, like in many apps. */
const { scoped } = (await import('../strangers/nextjs/lib/scoped.js' as string)) as {
  readonly scoped: Scoped
}
const { sluice } = (await import('../strangers/nextjs/lib/sluice.js' as string)) as {
  readonly sluice: Sluice
}

describe('scoped from the Next.js guide', () => {
  it('runs each call in a named scope, and passes its arguments and result unchanged', async () => {
    const names: string[] = []
    const stop = sluice.on('scope', ({ name }) => names.push(name))
    const add = scoped('add', async (left: number, right: number) => left + right)
    expect(await Promise.all([add(1, 2), add(3, 4)])).toEqual([3, 7])
    expect(names).toEqual(['add', 'add'])
    stop()
  })

  it('ends the scope of a failed call with its error', async () => {
    const failed: boolean[] = []
    const stop = sluice.on('scope', (scope) => failed.push(scope.failed))
    const error = new Error('NEXT_REDIRECT')
    const redirecting = scoped('redirect', () => {
      throw error
    })
    await expect(redirecting()).rejects.toBe(error)
    expect(failed).toEqual([true])
    stop()
  })

  it('uses one Sluice, regardless of how often the file is evaluated', async () => {
    const again = (await import('../strangers/nextjs/lib/sluice.js?again' as string)) as {
      readonly sluice: Sluice
    }
    expect(again.sluice).toBe(sluice)
  })
})
