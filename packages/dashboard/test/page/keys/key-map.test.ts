import { describe, expect, it } from 'vitest'
import { KeyMap, type PressedKey } from '../../../page/src/keys/key-map.ts'

const pressed = (key: string, more: Partial<PressedKey> = {}): PressedKey => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  focus: 'none',
  ...more,
})

describe('KeyMap', () => {
  it('opens a page with g and its letter', () => {
    const map = new KeyMap()
    expect(map.read(pressed('g'), 0)).toBeUndefined()
    expect(map.read(pressed('q'), 400)).toEqual({ kind: 'page', page: 'queries' })
  })

  it('forgets g after a timeout and after one letter', () => {
    const map = new KeyMap()
    map.read(pressed('g'), 0)
    expect(map.read(pressed('q'), 2_000)).toBeUndefined()
    map.read(pressed('g'), 3_000)
    map.read(pressed('x'), 3_100)
    expect(map.read(pressed('q'), 3_200)).toBeUndefined()
  })

  it('copies a fix with c, but opens the cache with g c', () => {
    const map = new KeyMap()
    expect(map.read(pressed('c'), 0)).toEqual({ kind: 'copy-fix' })
    map.read(pressed('g'), 100)
    expect(map.read(pressed('c'), 200)).toEqual({ kind: 'page', page: 'cache' })
  })

  it('ignores keys in a text field, except Escape', () => {
    const map = new KeyMap()
    for (const key of ['g', 'j', '/', '?', ' '])
      expect(map.read(pressed(key, { focus: 'text' }), 0)).toBeUndefined()
    expect(map.read(pressed('Escape', { focus: 'text' }), 0)).toEqual({ kind: 'close' })
  })

  it('ignores Space if a button has the focus', () => {
    const map = new KeyMap()
    expect(map.read(pressed(' ', { focus: 'control' }), 0)).toBeUndefined()
    expect(map.read(pressed(' '), 0)).toEqual({ kind: 'pause' })
  })

  it('ignores browser shortcuts', () => {
    const map = new KeyMap()
    for (const held of ['ctrlKey', 'metaKey', 'altKey'] as const)
      expect(map.read(pressed('c', { [held]: true }), 0)).toBeUndefined()
  })

  it('ignores keys with the name of an inherited property', () => {
    expect(new KeyMap().read(pressed('constructor'), 0)).toBeUndefined()
  })
})
