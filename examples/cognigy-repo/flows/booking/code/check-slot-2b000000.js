const wanted = input.slots.room;
context.room = wanted && wanted[0] ? wanted[0].keyphrase : "";
