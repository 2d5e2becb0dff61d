import { expect, it } from 'vitest'
import { keySlot } from '../../src/server/server-of.ts'

it.each([
  // The specification's own example, and what CLUSTER KEYSLOT says of others.
  ['123456789', 0x31c3],
  ['foo', 12182],
  ['user1000', 3443],
])('the slot of %s is %i', (hashTag, slot) => {
  expect(keySlot(hashTag)).toBe(slot)
})
