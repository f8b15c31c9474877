import { describe } from '@jest/globals';
import { withstandsHostileRequests } from './hostile-campaign.js';

describe('an application on express under attack', () =>
  withstandsHostileRequests({ platform: 'express', share: 0.5 }));
