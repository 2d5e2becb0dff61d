import { evictionPolicyNames } from '../../../src/cache/policies/create-policy.ts'
import { describePolicyContract } from './policy-contract.ts'

for (const name of evictionPolicyNames) describePolicyContract(name)
