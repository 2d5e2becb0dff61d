import { expect, it } from 'vitest'
import { keySlot } from '../../src/server/server-of.ts'

it.each([
  // The example of the specification, and results of CLUSTER KEYSLOT.
  ['123456789', 0x31c3],
  ['foo', 12182],
  ['user1000', 3443],
])('the slot of %s is %i', (hashTag, slot) => {
  expect(keySlot(hashTag)).toBe(slot)
})
