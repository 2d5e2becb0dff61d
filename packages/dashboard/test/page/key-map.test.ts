import { describe, expect, it } from 'vitest'
import { KeyMap, type PressedKey } from '../../page/src/keys/key-map.ts'

const pressed = (key: string, more: Partial<PressedKey> = {}): PressedKey => ({
  ...{ key, ctrlKey: false, metaKey: false, altKey: false, focus: 'none' },
  ...more,
})

describe('KeyMap', () => {
  it('goes to a page by g and its letter', () => {
    const map = new KeyMap()
    expect(map.read(pressed('g'), 0)).toBeUndefined()
    expect(map.read(pressed('q'), 400)).toEqual({ kind: 'page', page: 'queries' })
  })

  it('forgets the g after a while, and after one letter', () => {
    const map = new KeyMap()
    map.read(pressed('g'), 0)
    expect(map.read(pressed('q'), 2_000)).toBeUndefined()
    map.read(pressed('g'), 3_000)
    map.read(pressed('x'), 3_100)
    expect(map.read(pressed('q'), 3_200)).toBeUndefined()
  })

  it('copies a fix by c, but goes to the cache by g c', () => {
    const map = new KeyMap()
    expect(map.read(pressed('c'), 0)).toEqual({ kind: 'copy-fix' })
    map.read(pressed('g'), 100)
    expect(map.read(pressed('c'), 200)).toEqual({ kind: 'page', page: 'cache' })
  })

  it('leaves to a field what is written in it, but not Escape', () => {
    const map = new KeyMap()
    for (const key of ['g', 'j', '/', '?', ' ']) expect(map.read(pressed(key, { focus: 'text' }), 0)).toBeUndefined()
    expect(map.read(pressed('Escape', { focus: 'text' }), 0)).toEqual({ kind: 'close' })
  })

  it('leaves Space to a button that has the focus', () => {
    const map = new KeyMap()
    expect(map.read(pressed(' ', { focus: 'control' }), 0)).toBeUndefined()
    expect(map.read(pressed(' '), 0)).toEqual({ kind: 'pause' })
  })

  it('leaves the browser its own shortcuts', () => {
    const map = new KeyMap()
    for (const held of ['ctrlKey', 'metaKey', 'altKey'] as const) expect(map.read(pressed('c', { [held]: true }), 0)).toBeUndefined()
  })

  it('knows no key by the name of a property that every object has', () => {
    expect(new KeyMap().read(pressed('constructor'), 0)).toBeUndefined()
  })
})
