export { adapterContract } from './adapter-contract.ts'
export type {
  ContractAuthor,
  ContractClient,
  ContractHarness,
  ContractPost,
  NewPost,
} from './contract-client.ts'
export type { ContractCase } from './trial.ts'
