//! kinde-tower.
