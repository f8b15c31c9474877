import { describe } from '@jest/globals';
import { breaksNoPromise } from './many-seeds.js';

describe('the refresh protocol, simulated [REF-01] [REF-08] [REF-10] [REF-12]', () => breaksNoPromise(0));
