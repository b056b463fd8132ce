import { describeSearchEngine } from './opensearch-suite.ts';

describeSearchEngine(2);
