import { registerSluiceMercurius, sluiceApolloPlugin, useSluice } from '@sluice/graphql'
import { describe, expect, it } from 'vitest'

describe('plugins', () => {
  const mercurius = { graphql: { addHook: () => {} } }

  it.each([
    ['useSluice', (options: object) => useSluice(undefined, options)],
    ['sluiceApolloPlugin', (options: object) => sluiceApolloPlugin(undefined, options)],
    ['registerSluiceMercurius', (options: object) => registerSluiceMercurius(mercurius, undefined, options)],
  ])('reject unknown and invalid options: %s', (_name, make) => {
    expect(() => make({ maxName: 1 })).toThrow(expect.objectContaining({ code: 'SLUICE_INVALID_OPTION' }))
    expect(() => make({ maxNames: -1 })).toThrow(expect.objectContaining({ code: 'SLUICE_INVALID_OPTION' }))
    expect(() => make({ maxNames: 5 })).not.toThrow()
  })

  it('reject an app without Mercurius', () => {
    expect(() => registerSluiceMercurius({} as never)).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT' }),
    )
  })
})
