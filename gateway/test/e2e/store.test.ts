import { describeWithEachDatabase } from '../databases.ts';
import { storeContract } from './store-contract.ts';

describeWithEachDatabase('the store', (useDatabase) => {
  const { create } = useDatabase();
  storeContract(create);
});
